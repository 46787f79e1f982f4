# shellcheck shell=sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the run.
# Every change is written down, with how to undo it, before it is made. A run that fails undoes its own changes; one that
# was killed is undone by the next run, of install or of uninstall. Each line is `VERB<tab>PATH<tab>BACKUP<tab>.`; without
# the dot it was cut off, and its change never made.

is_open=0

# The record says what root is to put back and what to remove, so nobody else may have written it.
trust_record() {
  for place in "$root/etc" "$conf_dir" "$record_dir" "$undo_dir"; do
    [ -e "$place" ] || [ -L "$place" ] || continue
    [ -d "$place" ] && [ ! -L "$place" ] && is_roots "$place" ||
      fail "$code_config" "$place is not a directory that only root may write to, so what is recorded there cannot be trusted. Check what is in it, then: chown root $place && chmod go-w $place"
  done
  for place in "$record" "$journal"; do
    [ -e "$place" ] || [ -L "$place" ] || continue
    [ -f "$place" ] && [ ! -L "$place" ] && is_roots "$place" ||
      fail "$code_config" "$place is not a file that only root may write to, so it cannot be trusted: find out who created it"
  done
}

# is_roots PATH: whether it belongs to root, and neither group nor others may write to it.
is_roots() {
  case $(stat -c '%u %a' "$1") in
    *[2367] | *[2367]?) return 1 ;;
    "0 "*) ;;
    *) return 1 ;;
  esac
}

# The directory of the record comes into being as a whole, with the journal in it, by one rename.
open_journal() {
  rm -rf "$stage" || return 1
  if [ -d "$record_dir" ]; then
    printf 'home\t%s\t-\t.\n' "$home" >"$journal" || return 1
    is_open=1
    return 0
  fi
  mkdir -m 0700 "$stage" || return 1
  if [ -d "$conf_dir" ]; then
    printf 'record\t%s\t-\t.\nhome\t%s\t-\t.\n' "$record_dir" "$home" >"$stage/journal" || return 1
    mv -T "$stage" "$record_dir" || return 1
  else
    mkdir -m 0700 "$stage/install" || return 1
    printf 'record\t%s\t-\t.\nhome\t%s\t-\t.\n' "$conf_dir" "$home" >"$stage/install/journal" || return 1
    # 0750 root:wazuh: the forwarder reads its configuration there, others do not.
    chown "0:$wazuh_gid" "$stage" && chmod 0750 "$stage" || return 1
    mv -T "$stage" "$conf_dir" || return 1
    made dir "$conf_dir"
    announce "make the directory $(as_seen "$conf_dir") (0750)"
  fi
  is_open=1
}

# note VERB PATH [BACKUP]: how the change that follows is undone.
note() {
  printf '%s\t%s\t%s\t.\n' "$1" "$2" "${3:--}" >>"$journal" || fail "$code_io" "cannot write $journal"
  sync "$journal"
}

# choose_undo: sets undo_count to a number that is free, also behind a pipe, whose parts are shells of their own.
choose_undo() {
  [ -d "$undo_dir" ] || mkdir -m 0700 "$undo_dir" || fail "$code_io" "cannot make $undo_dir"
  undo_count=1
  while [ -e "$undo_dir/$undo_count" ] || [ -L "$undo_dir/$undo_count" ]; do undo_count=$((undo_count + 1)); done
}

# note_file PATH: the file that follows is undone by what is there now, or by its absence.
note_file() {
  if [ -e "$1" ] || [ -L "$1" ]; then
    choose_undo
    cp -a "$1" "$undo_dir/$undo_count" || fail "$code_io" "cannot keep a copy of $1"
    sync "$undo_dir/$undo_count"
    note restore "$1" "$undo_dir/$undo_count"
  else
    note remove "$1"
  fi
}

# undo_one VERB PATH BACKUP: may be done again when it was cut off. Says what it cannot undo.
undo_one() {
  case $1:$2 in
    remove:"$home_dir"/* | restore:"$home_dir"/*)
      undo_there "$1" "${2#"$home_dir"/}" "$3"
      return
      ;;
  esac
  case $1 in
    remove) rm -f "$2" ;;
    tree) rm -rf "$2" ;;
    dir) [ ! -d "$2" ] || rmdir "$2" ;;
    restore)
      [ -e "$3" ] || return 0
      undo_temp=$2.wazuh-dfn-new
      rm -f "$undo_temp" && cp -a "$3" "$undo_temp" && mv -fT "$undo_temp" "$2"
      ;;
    swap) [ ! -d "$2.old" ] || { rm -rf "$2" && mv -T "$2.old" "$2"; } ;;
    attributes) chown -h "${3%,*}" "$2" && chmod "${3#*,}" "$2" ;;
    user) ! user_exists "$2" || remove_user "$2" ;;
    unit) unit_undo "$2" ;;
    manager) manager_restart ;;
    record | home) ;; # The last of all, by close_record; and what recover looks at.
  esac
}

# Undoes everything, the newest first. False, and the journal stays, where something could not be undone.
roll_back() {
  is_open=0
  awk -F '\t' 'NF == 4 && $4 == "." { line[++n] = $0 } END { while (n) print line[n--] }' "$journal" |
    (
      left=0
      while IFS=$tab read -r verb path backup _; do
        undo_one "$verb" "$path" "$backup" </dev/null || {
          left=1
          warn "left as it is, please fix it by hand: $verb $(as_seen "$path")"
        }
      done
      exit "$left"
    ) || {
    warn "what is listed above is left; $(as_seen "$journal") lists all steps, $(as_seen "$undo_dir") holds the previous files. Run this again to retry"
    return 1
  }
  close_record
}

# Takes the record's own directory away where this run made it, by one rename.
close_record() {
  closing=$(awk -F '\t' '$1 == "record" { print $2; exit }' "$journal")
  if [ -z "$closing" ]; then
    rm -rf "$undo_dir" && rm -f "$journal"
    return
  fi
  rm -rf "$stage" || return 1
  # What a person put next to the record meanwhile stays.
  if [ "$closing" = "$conf_dir" ] && [ "$(ls -A "$conf_dir")" != install ]; then closing=$record_dir; fi
  mv -T "$closing" "$stage" && rm -rf "$stage"
}

# recover: what a run that was killed left behind is undone first.
recover() {
  [ -f "$journal" ] || return 0
  began_for=$(awk -F '\t' '$1 == "home" && $4 == "." { print $2; exit }' "$journal")
  [ -z "$began_for" ] || [ "$began_for" = "$home" ] ||
    fail "$code_config" "an earlier run for the manager in $began_for was interrupted and must be undone first: give --wazuh-home $began_for"
  if [ "$is_dry" = 1 ]; then
    say "would undo what an interrupted run left half done"
    changes=$((changes + 1))
    return 0
  fi
  if [ "$has_manager" = 1 ]; then tree judge --home "$home" || fail $? "$(said)"; fi
  say "an earlier run was interrupted: undoing what it did"
  roll_back || exit "$code_io"
}

# The trap on EXIT.
on_exit() {
  status=$?
  trap - EXIT
  if [ "$is_open" = 1 ]; then
    [ "$status" != 0 ] || status=$code_io
    warn "undoing what was done so far"
    if roll_back; then warn "everything is as it was before"; fi
  fi
  [ -z "${work:-}" ] || rm -rf "$work"
  exit "$status"
}

# A directory for this run's own files, on a disk in memory if there is one.
make_work() {
  if [ -d /dev/shm ]; then work=$(mktemp -d /dev/shm/wazuh-dfn.XXXXXX 2>/dev/null); fi
  [ -n "${work:-}" ] || work=$(mktemp -d) || fail "$code_io" "cannot make a temporary directory"
  : >"$work/made"
}

# made KIND PATH: for the record, so that uninstall takes out what was put in and nothing else.
made() { printf '%s %s\n' "$1" "$(as_seen "$2")" >>"$work/made"; }
