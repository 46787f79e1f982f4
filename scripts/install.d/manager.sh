# shellcheck shell=sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the run.
# The Wazuh manager: where it is, what its own checks say, its place in a cluster, its restart.

locate_manager() {
  [ -d "$home_dir/etc" ] || fail "$code_missing" "no Wazuh manager in $home_dir; use --wazuh-home DIR if it is elsewhere"
  [ -x "$home_dir/bin/wazuh-integratord" ] && [ -x "$home_dir/bin/wazuh-analysisd" ] ||
    fail "$code_missing" "no Wazuh 4 manager in $home_dir (no bin/wazuh-integratord, as on agents and with Wazuh 5)"
  wazuh_gid=$(id_of group wazuh)
  wazuh_uid=$(id_of passwd wazuh)
  [ -n "$wazuh_gid" ] && [ -n "$wazuh_uid" ] || fail "$code_missing" "there is no user and group wazuh"
}

# in_root COMMAND...: where the software will run. 125 when a foreign root has no shell, so is not a system of its own.
in_root() {
  if [ -z "$root" ]; then
    "$@" 9<&-
  elif [ -x "$root/bin/sh" ]; then
    chroot "$root" "$@" 9<&-
  else
    return 125
  fi
}

# Whoever owns the manager's files may keep its tools waiting for ever, by a pipe for instance.
tool_seconds=120
restart_seconds=600

# manager_tool NAME ARGUMENT...: the tools find their home by their own path, so they also work below a bare root. The
# lock is not handed on: daemons that they start would keep it. That only root can change the tools, `judge` and the look
# have made sure.
manager_tool() {
  tool=$1
  shift
  if [ -z "$root" ]; then
    timeout -k 5 "$tool_seconds" "$home/bin/$tool" "$@" 9<&-
  elif [ ! -x "$root/bin/sh" ]; then
    timeout -k 5 "$tool_seconds" "$home_dir/bin/$tool" "$@" 9<&-
  else
    timeout -k 5 "$tool_seconds" chroot "$root" "$home/bin/$tool" "$@" 9<&-
  fi
  tool_status=$?
  [ "$tool_status" != 124 ] || say "$tool did not end within $tool_seconds seconds"
  return "$tool_status"
}

# The manager's own checks of its configuration: of each daemon that reads a part of it that we add to, and of the rules.
# What is wrong is then in $work/check.
check_manager() {
  for daemon in wazuh-analysisd wazuh-integratord wazuh-syscheckd wazuh-logcollector; do
    [ -x "$home_dir/bin/$daemon" ] || continue
    manager_tool "$daemon" -t >"$work/check" 2>&1 </dev/null || {
      say "$daemon -t" >"$work/checked"
      return 1
    }
  done
  [ -x "$home_dir/bin/wazuh-logtest-legacy" ] || return 0
  manager_tool wazuh-logtest-legacy -t >"$work/check" 2>&1 </dev/null && ! grep -q ERROR "$work/check" || {
    say "wazuh-logtest-legacy -t" >"$work/checked"
    return 1
  }
}

# fail_check TEXT: with the words of the manager.
fail_check() {
  tail -n 5 "$work/check" >&2
  fail "$code_config" "$1 ($(cat "$work/checked") reports the errors above)"
}

manager_runs() {
  manager_tool wazuh-control status 2>/dev/null </dev/null | grep -q 'wazuh-analysisd is running'
}

# A restart by systemd keeps the daemons in their unit, with its limits. It stops first and reads the configuration then,
# so it is only used behind check_manager; wazuh-control, the way without systemd, checks by itself.
manager_restart() {
  if systemd_runs && systemctl is-active -q wazuh-manager; then
    systemctl restart wazuh-manager 9<&-
  else
    (tool_seconds=$restart_seconds && manager_tool wazuh-control restart) >"$work/restart" 2>&1 </dev/null || {
      tail -n 5 "$work/restart" >&2
      return 1
    }
  fi
}

# apply_to_manager: validates what was changed and restarts the manager, or undoes all of it.
apply_to_manager() {
  [ "$is_dry" = 0 ] || {
    say "would check the manager's configuration with its own tools"
    [ "$no_restart" = 1 ] || say "would restart the manager"
    return 0
  }
  check_manager || fail_check "the manager refuses its configuration with the change"
  if [ "$no_restart" = 1 ]; then
    say "the manager was not restarted: the change takes effect with its next restart"
  elif ! manager_runs; then
    say "the manager is not running: the change takes effect when it starts"
  else
    say "restart the manager"
    note manager -
    manager_restart || fail "$code_io" "the manager did not restart"
    manager_runs || fail "$code_io" "the manager is not running after its restart"
  fi
}
