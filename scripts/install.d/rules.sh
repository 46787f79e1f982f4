# shellcheck shell=sh
# The rules for the forwarder's own events, with ids that nobody else uses.

# The first digits of the ids in the snippet; two more follow. Local rules of Wazuh have 100000 to 120000.
snippet_prefix=1117

# choose_prefix: sets rules_prefix. What an earlier run chose stays, as long as nobody else took one of its ids since.
choose_prefix() {
  for rules_prefix in $(recorded rules_prefix) "$snippet_prefix" $(seq 1000 1199); do
    grep -Eq "^$rules_prefix[0-9][0-9]\$" "$work/look/ids" || return 0
  done
  fail "$code_config" "no hundred rule ids in a row are free between 100000 and 119999"
}

put_rules() {
  rules_prefix=$(recorded rules_prefix)
  rules_sum=$(recorded rules)
  if [ "$(fact worker)" = yes ]; then
    say "this node is a worker: its rules come from the master"
    return 0
  fi
  there=$(fact rules)
  there=${there%% *}
  if [ "$there" != - ] && [ "$there" != "$rules_sum" ]; then
    warn "$home_dir/etc/rules/dfn_rules.xml was made or changed by hand, so it is kept as it is"
    return 0
  fi
  choose_prefix
  sed "s/\([^0-9]\)$snippet_prefix\([0-9][0-9][^0-9]\)/\1$rules_prefix\2/g" "$package/snippets/dfn_rules.xml" >"$work/rules"
  rules_sum=$(checksum "$work/rules")
  [ "$there" != "$rules_sum" ] || return 0
  place_file "$work/rules" etc/rules/dfn_rules.xml rules "$wazuh_uid" "$wazuh_gid" 0660
  manager_changed=1
}
