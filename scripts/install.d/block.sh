# shellcheck shell=sh
# Our block in ossec.conf: appended as text between two marks, everything else byte for byte as it was. Where it is, and
# what else in the file is ours, the look has found out (scripts/manager-tree/block.ts).

mark_begin='<!-- wazuh-dfn: begin. wazuh-dfn-install made this block, wazuh-dfn-uninstall takes it out.'
mark_end='<!-- wazuh-dfn: end -->'
# Where the file did not end with a line break, the one that we add is noted in the mark.
mark_break=' The line break before it is a part of it.'

# The inside of a snippet, between its own <ossec_config> lines.
snippet() {
  sed -n '/^<ossec_config>$/,/^<\/ossec_config>$/p' "$package/snippets/$1" | sed '1d;$d'
}

# add_snippet FILE SECTION: unless the very same section is in the file already, outside of the block.
add_snippet() {
  [ -n "$(outside ours "$2")" ] || snippet "$1"
}

# make_block BREAK: what belongs into this manager's configuration; BREAK is what its mark says about the line break.
make_block() {
  say "$mark_begin$1 -->"
  say "<ossec_config>"
  if [ "$block_integration" = yes ]; then snippet integration.xml; fi
  if [ -x "$root/usr/bin/systemctl" ] || [ -x "$root/bin/systemctl" ]; then add_snippet unit-watch.xml localfile; fi
  if has_section syscheck; then add_snippet fim.xml syscheck; fi
  if has_section rootcheck; then add_snippet rootcheck.xml rootcheck; fi
  say "</ossec_config>"
  say "$mark_end"
}

# Brings the block into ossec.conf, or up to date. Changed by hand, it stays as it is.
put_block() {
  break=
  if [ "$(fact block)" = yes ]; then
    [ "$(fact own_break)" = no ] || break=$mark_break
  elif [ "$(fact ends_line)" = no ]; then
    break=$mark_break
  fi
  make_block "$break" >"$work/new-block"
  if [ "$(sed '/^<\/*ossec_config>$/d' "$work/new-block" | grep -c '')" = 2 ]; then
    : >"$work/new-block" # Nothing between the marks.
  fi
  block_sum=$(checksum "$work/new-block")
  cmp -s "$work/look/old-block" "$work/new-block" && return 0
  if [ "$(fact block)" = yes ] && [ "$(checksum "$work/look/old-block")" != "$(recorded block)" ]; then
    warn "the block of wazuh-dfn in $ossec_conf was changed by hand, so it is kept as it is"
    block_sum=$(recorded block)
    return 0
  fi
  manager_changed=1
  announce "$(if [ "$(fact block)" = yes ]; then say "replace"; else say "append"; fi) the block of wazuh-dfn in $(as_seen "$ossec_conf")" || {
    sed 's/^/    /' "$work/new-block"
    return 0
  }
  {
    cat "$work/look/head"
    if [ "$(fact block)" = no ] && [ -n "$break" ]; then echo; fi
    cat "$work/new-block" "$work/look/tail"
  } >"$work/new-conf" || fail "$code_io" "cannot write to $work"
  write_conf "$work/new-conf"
}

# write_conf FILE: replaces ossec.conf, as long as it is still what was looked at; owner, mode and labels stay.
write_conf() {
  [ -f "$record_dir/ossec.conf.before" ] || {
    note remove "$record_dir/ossec.conf.before"
    (umask 077 && cp "$work/look/conf" "$record_dir/ossec.conf.before") || fail "$code_io" "cannot keep a copy of $ossec_conf"
  }
  put_there etc/ossec.conf yes --from "$1" --like-there --replaces "$work/look/conf"
}
