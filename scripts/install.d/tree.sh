# shellcheck shell=sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the run.
# The manager's tree. Large parts of it belong to user wazuh, who may put links and pipes into root's way at any moment:
# root reads and changes what is there through manager-tree.cjs alone, which holds on to what it has opened.

# tree COMMAND OPTION...: see manager-tree.cjs. What it complains of is in $work/said.
tree() {
  tree_command=$1
  shift
  "$package/bin/node" "$package/manager-tree.cjs" "$tree_command" --root "${root:-/}" "$@" 2>"$work/said" </dev/null 9<&-
}

said() {
  if [ -s "$work/said" ]; then head -c 4000 "$work/said"; else say "$package/bin/node cannot be run: try $package/bin/node --version"; fi
}

# look_at_manager OPTION...: the one look that a run rests on. Its answers are the files in $work/look, and `fact`.
look_at_manager() {
  mkdir -m 0700 "$work/look" || fail "$code_io" "cannot write to $work"
  tree look --home "$home" --into "$work/look" --snippets "$package/snippets" "$@" || fail $? "$(said)"
  while read -r line; do warn "$line"; done <"$work/look/warnings"
}

# fact KEY: what the look said of it; empty when it said nothing.
fact() { sed -n "s/^$1 //p" "$work/look/facts" | head -n 1; }

# has_section NAME: whether ossec.conf has a section of that name outside of our block. A section that is there at all
# switches FIM or rootcheck on (Wazuh 4.14 source: config/syscheck-config.c, rootcheck-config.c), so a further one is only
# added next to it.
has_section() { grep -qx "section $1" "$work/look/facts"; }

# outside KIND [NAME]: the lines of sections outside of our block that have to do with us, as "NAME FIRST LAST".
outside() { sed -n "s/^outside $1 \\(${2:-.*}\\) \\([0-9]* [0-9]*\\)\$/\\1 \\2/p" "$work/look/facts"; }

# temp_name: one that nobody can know before. Wazuh's cluster passes over names that end like this.
temp_name() { printf '.wazuh-dfn-%s.tmp' "$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"; }

# keep_there PATH: the change that follows is undone by what is there now. PATH is relative to the manager's home.
keep_there() {
  choose_undo
  tree keep --home "$home" --at "$1" --into "$undo_dir/$undo_count" || fail $? "$(said)"
  note restore "$home_dir/$1" "$undo_dir/$undo_count"
}

# put_there PATH IS_THERE OPTION...: puts a file in place, by one rename. OPTION as of `manager-tree.cjs put`.
put_there() {
  place=$1
  if [ "$2" = yes ]; then keep_there "$place"; else note remove "$home_dir/$place"; fi
  shift 2
  temp=$(temp_name)
  note remove "$home_dir/${place%/*}/$temp"
  tree put --home "$home" --at "$place" --temp "$temp" "$@" || fail $? "$(said)"
}

# place_file SOURCE PATH FACT UID GID MODE: if it differs from what was found.
place_file() {
  if [ "$(fact "$3")" = "$(checksum "$1") $4:$5 ${6#0}" ]; then return 0; fi
  announce "write $home/$2 ($6)" || return 0
  if [ "$(fact "$3")" = - ]; then
    made file "$home_dir/$2"
    put_there "$2" no --from "$1" --owner "$4:$5" --mode "$6"
  else
    put_there "$2" yes --from "$1" --owner "$4:$5" --mode "$6"
  fi
}

# take_out_file PATH FACT
take_out_file() {
  [ "$(fact "$2")" != - ] || return 0
  announce "remove $home/$1" || return 0
  keep_there "$1"
  tree remove --home "$home" --at "$1" || fail $? "$(said)"
}

# undo_there VERB PATH BACKUP: for a path below the manager's home. Says why it could not.
undo_there() {
  case $1 in
    remove) tree remove --home "$home" --at "$2" ;;
    restore)
      [ -e "$3" ] || return 0
      temp=$(temp_name)
      # Where this is cut off too, the next run removes it.
      printf 'remove\t%s\t-\t.\n' "$home_dir/${2%/*}/$temp" >>"$journal"
      tree put --home "$home" --at "$2" --temp "$temp" --from "$3" --like-source --whatever
      ;;
  esac || {
    warn "$(said)"
    return 1
  }
}
