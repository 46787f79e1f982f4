# shellcheck shell=sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the run.
# Our block in ossec.conf: appended as text between two marks, everything else byte for byte as it was.

mark_begin='<!-- wazuh-dfn: begin. wazuh-dfn-install made this block, wazuh-dfn-uninstall takes it out.'
mark_end='<!-- wazuh-dfn: end -->'
# Where the file did not end with a line break, the one that we add is noted in the mark.
mark_break=' The line break before it is a part of it.'

# find_block FILE: sets block_from and block_to to the lines of the marks; 0 where there is none.
find_block() {
  block_from=$(LC_ALL=C grep -anF -e "$mark_begin" "$1" | cut -d : -f 1)
  block_to=$(LC_ALL=C grep -anF -e "$mark_end" "$1" | cut -d : -f 1)
  case $block_from$newline$block_to in
    "$newline")
      block_from=0
      block_to=0
      ;;
    *[!0-9"$newline"]* | *"$newline"*"$newline"* | "$newline"* | *"$newline")
      fail "$code_config" "the marks of wazuh-dfn in $1 are not one pair any more; restore the two comment lines, or take the block out by hand"
      ;;
  esac
  [ "$block_from" -le "$block_to" ] || fail "$code_config" "the marks of wazuh-dfn in $1 stand in the wrong order"
}

# block_of FILE: the block, marks included.
block_of() {
  find_block "$1"
  [ "$block_from" = 0 ] || tail -n "+$block_from" "$1" | head -n $((block_to - block_from + 1))
}

# cut_block FILE: the file as it was before the block came into it.
cut_block() {
  find_block "$1"
  if [ "$block_from" = 0 ]; then
    cat "$1"
    return
  fi
  tail -n "+$((block_to + 1))" "$1" >"$work/behind"
  # What a person wrote behind the block keeps the line break before it.
  if [ ! -s "$work/behind" ] && sed -n "${block_from}p" "$1" | LC_ALL=C grep -aqF -e "$mark_break"; then
    head -n $((block_from - 1)) "$1" | head -c -1
  else
    head -n $((block_from - 1)) "$1"
  fi
  cat "$work/behind"
}

# The inside of a snippet, between its own <ossec_config> lines.
snippet() {
  sed -n '/^<ossec_config>$/,/^<\/ossec_config>$/p' "$package/snippets/$1" | sed '1d;$d'
}

# make_block BREAK: what belongs into this manager's configuration; BREAK is what its mark says about the line break.
make_block() {
  say "$mark_begin$1 -->"
  say "<ossec_config>"
  if [ "$block_integration" = yes ]; then snippet integration.xml; fi
  if [ -x "$root/usr/bin/systemctl" ] || [ -x "$root/bin/systemctl" ]; then snippet unit-watch.xml; fi
  if has_section syscheck; then snippet fim.xml; fi
  if has_section rootcheck; then snippet rootcheck.xml; fi
  say "</ossec_config>"
  say "$mark_end"
}

# Brings the block into ossec.conf, or up to date. Changed by hand, it stays as it is.
put_block() {
  block_of "$ossec_conf" >"$work/old-block"
  break=
  if [ -s "$work/old-block" ]; then
    if head -n 1 "$work/old-block" | grep -qF -e "$mark_break"; then break=$mark_break; fi
  elif [ -n "$(tail -c 1 "$ossec_conf")" ]; then
    break=$mark_break
  fi
  make_block "$break" >"$work/new-block"
  if [ "$(sed '/^<\/*ossec_config>$/d' "$work/new-block" | grep -c '')" = 2 ]; then
    : >"$work/new-block" # Nothing between the marks.
  fi
  block_sum=$(checksum "$work/new-block")
  cmp -s "$work/old-block" "$work/new-block" && return 0
  if [ -s "$work/old-block" ] && [ "$(checksum "$work/old-block")" != "$(recorded block)" ]; then
    warn "the block of wazuh-dfn in $ossec_conf was changed by hand, so it is kept as it is"
    block_sum=$(recorded block)
    return 0
  fi
  manager_changed=1
  told "$(if [ -s "$work/old-block" ]; then say "replace"; else say "append"; fi) the block of wazuh-dfn in $(as_seen "$ossec_conf")" || {
    sed 's/^/    /' "$work/new-block"
    return 0
  }
  write_conf put_in
}

# The file with the new block where the old one stood, or at its end.
put_in() {
  find_block "$ossec_conf"
  if [ "$block_from" = 0 ]; then
    cat "$ossec_conf" || return 1
    if [ -n "$break" ]; then echo; fi
    cat "$work/new-block"
  else
    head -n $((block_from - 1)) "$ossec_conf" && cat "$work/new-block" && tail -n "+$((block_to + 1))" "$ossec_conf"
  fi
}

take_block() {
  find_block "$ossec_conf"
  [ "$block_from" != 0 ] || return 0
  manager_changed=1
  told "take the block of wazuh-dfn out of $(as_seen "$ossec_conf")" || return 0
  write_conf cut_block "$ossec_conf"
}

# write_conf COMMAND...: replaces ossec.conf by the command's output, in one rename; owner, mode and labels stay.
write_conf() {
  [ -f "$record_dir/ossec.conf.before" ] || {
    note remove "$record_dir/ossec.conf.before"
    cp -a "$ossec_conf" "$record_dir/ossec.conf.before" || fail "$code_io" "cannot keep a copy of $ossec_conf"
  }
  note_file "$ossec_conf"
  temp=$(temp_for "$ossec_conf")
  note remove "$temp"
  rm -f "$temp" && cp -a "$ossec_conf" "$temp" && [ -f "$temp" ] && [ ! -L "$temp" ] && "$@" >"$temp" &&
    sync "$temp" && mv -fT "$temp" "$ossec_conf" || fail "$code_io" "cannot write $ossec_conf"
}
