# shellcheck shell=sh
# The rules, with ids that nobody else uses, and the decoders. A worker gets them from its master.

# The first digits of the ids in the snippets; two more follow. Local rules of Wazuh have 100000 to 120000.
snippet_prefix=1117

# ruleset_files: the files, as "KEY PATH": KEY is that of the look and of the record, the snippet has the path's last name.
ruleset_files() {
  say "decoders etc/decoders/zz_dfn_decoders.xml"
  say "rules etc/rules/dfn_rules.xml"
  say "event_rules etc/rules/dfn_event_rules.xml"
}

# is_ours KEY: the file is not there, or is as an earlier run made it.
is_ours() {
  there=$(fact "$1")
  [ "$there" = - ] || [ "${there%% *}" = "$(recorded "$1")" ]
}

# ruleset_file PREFIX PATH: the snippet, with ids of that hundred.
ruleset_file() {
  sed "s/\([^0-9]\)$snippet_prefix\([0-9][0-9][^0-9]\)/\1$1\2/g" "$package/snippets/${2##*/}"
}

# choose_prefix: sets rules_prefix. What an earlier run chose stays, as long as nobody else took one of its ids since. A
# file of ours that was changed by hand keeps its ids, so those of the others must not be among them.
choose_prefix() {
  : >"$work/kept-ids"
  for key in rules event_rules; do
    is_ours "$key" || sed -n "s/^$key //p" "$work/look/own-ids" >>"$work/kept-ids"
  done
  for rules_prefix in $(recorded rules_prefix) "$snippet_prefix" $(seq 1000 1199); do
    if grep -Eq "^$rules_prefix[0-9][0-9]\$" "$work/look/ids"; then continue; fi
    ruleset_files | while read -r key path; do
      if is_ours "$key"; then ruleset_file "$rules_prefix" "$path"; fi
    done | sed -n 's/^ *<rule id="\([0-9]*\)".*/\1/p' | grep -qxFf "$work/kept-ids" || return 0
  done
  fail "$code_config" "there are no hundred consecutive free rule ids between 100000 and 119999"
}

# put_ruleset_file KEY PATH: sets ruleset_sum to what goes into the record.
put_ruleset_file() {
  ruleset_sum=$(recorded "$1")
  if [ "$(fact worker)" = yes ]; then return 0; fi
  is_ours "$1" || {
    warn "$home_dir/$2 was created or changed by hand, so it is kept as it is"
    return 0
  }
  ruleset_file "$rules_prefix" "$2" >"$work/$1"
  ruleset_sum=$(checksum "$work/$1")
  there=$(fact "$1")
  [ "${there%% *}" != "$ruleset_sum" ] || return 0
  place_file "$work/$1" "$2" "$1" "$wazuh_uid" "$wazuh_gid" 0660
  manager_changed=1
}

put_rules() {
  rules_prefix=$(recorded rules_prefix)
  : >"$work/ruleset"
  if [ "$(fact worker)" = yes ]; then
    say "this node is a worker: its rules and decoders come from the master"
  elif is_ours rules || is_ours event_rules; then
    choose_prefix
  fi
  ruleset_files >"$work/ruleset-files"
  while read -r key path <&3; do
    put_ruleset_file "$key" "$path"
    say "$key $ruleset_sum" >>"$work/ruleset"
  done 3<"$work/ruleset-files"
}

# What an earlier run put in and nobody changed since; the decoders, which the rules name, go last.
take_rules() {
  ruleset_files | sort -r >"$work/ruleset-files"
  while read -r key path <&3; do
    [ -n "$(recorded "$key")" ] || continue
    if [ "$(fact "$key")" = - ]; then continue; fi
    is_ours "$key" || {
      warn "$home_dir/$path was changed by hand, so it is kept"
      continue
    }
    take_out_file "$path" "$key"
    manager_changed=1
  done 3<"$work/ruleset-files"
}
