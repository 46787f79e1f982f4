# shellcheck shell=sh
# shellcheck disable=SC2015 # A && B || fail: fail ends the run.
# Files, directories and the user: put in only where they differ, each change journaled.

# put_dir PATH UID GID MODE
put_dir() {
  if [ -d "$1" ] && [ ! -L "$1" ]; then
    before=$(attributes "$1")
    [ "$before" != "$2:$3 ${4#0}" ] || return 0
    announce "set owner and mode of $(as_seen "$1") ($4)" || return 0
    note attributes "$1" "${before% *},${before#* }"
    chown "$2:$3" "$1" && chmod "$4" "$1" || fail "$code_io" "cannot set owner and mode of $1"
    return 0
  fi
  announce "make the directory $(as_seen "$1") ($4)" || return 0
  note dir "$1"
  mkdir -m 0700 "$1" && chown "$2:$3" "$1" && chmod "$4" "$1" || fail "$code_io" "cannot make the directory $1"
  made dir "$1"
}

# put_parents PATH: the directories of the system above it, which are often there.
put_parents() {
  [ "$1" != "$root" ] && [ -n "$1" ] && [ ! -d "$1" ] || return 0
  put_parents "${1%/*}"
  put_dir "$1" 0 0 0755
}

# put_file SOURCE PATH UID GID MODE: in a directory of root's. What is in the manager's tree: place_file.
put_file() {
  if [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$1" "$2" && [ "$(attributes "$2")" = "$3:$4 ${5#0}" ]; then return 0; fi
  announce "write $(as_seen "$2") ($5)" || return 0
  if [ ! -e "$2" ]; then made file "$2"; fi
  note_file "$2"
  temp=$2.wazuh-dfn-new
  note remove "$temp"
  rm -f "$temp" && (umask 077 && cp "$1" "$temp") && chown "$3:$4" "$temp" && chmod "$5" "$temp" && sync "$temp" &&
    mv -fT "$temp" "$2" || fail "$code_io" "cannot write $2"
}

# take_file PATH: takes a file out.
take_file() {
  [ -e "$1" ] || [ -L "$1" ] || return 0
  announce "remove $(as_seen "$1")" || return 0
  note_file "$1"
  rm -f "$1" || fail "$code_io" "cannot remove $1"
}

# put_link TARGET PATH
put_link() {
  [ "$(readlink "$2" 2>/dev/null)" != "$1" ] || return 0
  announce "link $(as_seen "$2") to $1" || return 0
  made file "$2"
  note_file "$2"
  ln -sfn "$1" "$2" || fail "$code_io" "cannot make the link $2"
}

# The id of a user or group where the software will run: a foreign root has its own.
id_of() { # id_of passwd|group NAME
  if [ -z "$root" ]; then
    getent "$1" "$2" | cut -d : -f 3
  else
    awk -F : -v name="$2" '$1 == name { print $3; exit }' "$root/etc/$1"
  fi
}

user_exists() { [ -n "$(id_of passwd "$1")" ]; }

# The forwarder's own user. Its group is wazuh, which may read alerts.json and write to the queue socket.
put_user() {
  if user_exists wazuh-dfn; then
    forwarder_uid=$(id_of passwd wazuh-dfn)
    return 0
  fi
  announce "make the user wazuh-dfn (group wazuh, no login)" || { forwarder_uid=0; return 0; }
  note user wazuh-dfn
  # The absent home and shell of an image are not a fault, but useradd complains about them.
  useradd ${root:+--root "$root"} --system --no-create-home --home-dir /var/lib/wazuh-dfn \
    --shell /usr/sbin/nologin --gid wazuh wazuh-dfn 2>"$work/useradd" || {
    cat "$work/useradd" >&2
    fail "$code_io" "cannot make the user wazuh-dfn"
  }
  forwarder_uid=$(id_of passwd wazuh-dfn)
  [ -n "$forwarder_uid" ] || fail "$code_io" "useradd did not create the user wazuh-dfn"
  made user "$root"wazuh-dfn
}

remove_user() {
  userdel ${root:+--root "$root"} "$1" 2>"$work/userdel" || {
    cat "$work/userdel" >&2
    return 1
  }
}

# Everything that the package's MANIFEST names is there, unaltered: a download that was cut off is not a package.
verify_package() {
  [ -f "$package/MANIFEST" ] && [ -f "$package/VERSION" ] ||
    fail "$code_missing" "$package is not a complete package of wazuh-dfn (no MANIFEST or VERSION)"
  awk '{ print $2 "  " $3 }' "$package/MANIFEST" >"$work/sums"
  (cd "$package_root/" && sha256sum -c --quiet --strict "$work/sums") >"$work/verify" 2>&1 || {
    head -n 5 "$work/verify" >&2
    fail "$code_missing" "the package below $package is damaged; download it again"
  }
}

# The package's files, if no package manager placed them.
put_package() {
  [ "$package" != "$lib" ] || return 0
  if [ -f "$lib/MANIFEST" ] && [ ! -f "$lib/.by-install" ]; then
    fail "$code_missing" "$(as_seen "$lib") belongs to an installed deb or rpm: upgrade that one, then run wazuh-dfn-install"
  fi
  put_parents "$root/usr/lib"
  put_lib
  while read -r mode _ path; do
    case $path in usr/lib/wazuh-dfn/*) continue ;; esac
    put_parents "$root/${path%/*}"
    put_file "$package_root/$path" "$root/$path" 0 0 "$mode"
  done <"$package/MANIFEST"
  # What an older version had and this one has not.
  recorded_all file | while read -r path; do
    case $path in
      /usr/lib/wazuh-dfn/* | /etc/* | "$home"/*) continue ;;
    esac
    grep -q " ${path#/}\$" "$package/MANIFEST" || take_file "$root$path"
  done || exit "$code_io"
}

# The runtime and the bundle as one directory, which takes its place by a rename; the old one stays until the end.
put_lib() {
  if cmp -s "$package/MANIFEST" "$lib/MANIFEST" && lib_is_whole; then return 0; fi
  announce "place $(as_seen "$lib") (version $(cat "$package/VERSION"))" || return 0
  note tree "$lib.new"
  mkdir -m 0755 "$lib.new" || fail "$code_io" "cannot make $lib.new"
  { grep ' usr/lib/wazuh-dfn/' "$package/MANIFEST" && say "0644 - usr/lib/wazuh-dfn/MANIFEST"; } |
    while read -r mode _ path; do
      place=$lib.new/${path#usr/lib/wazuh-dfn/}
      mkdir -p "${place%/*}" && cp "$package_root/$path" "$place" && chown 0:0 "$place" && chmod "$mode" "$place" || exit 1
    done && : >"$lib.new/.by-install" || fail "$code_io" "cannot copy the package to $lib"
  make_code_cache "$lib.new"
  sync
  if [ -d "$lib" ]; then
    note swap "$lib"
    mv -T "$lib" "$lib.old" || fail "$code_io" "cannot move $lib"
  else
    note tree "$lib"
    made tree "$lib"
  fi
  mv -T "$lib.new" "$lib" || fail "$code_io" "cannot place $lib"
  replaced_lib=1
}

# make_code_cache DIRECTORY: what V8 makes of the program, once, so that each start takes half the time. Nothing but time
# depends on it.
make_code_cache() {
  (unset NODE_OPTIONS && umask 022 && "$package/bin/node" "$package/make-code-cache.cjs" "$1") \
    </dev/null >/dev/null 2>"$work/code-cache" ||
    warn "no code cache could be made, so wazuh-dfn will start more slowly: $(head -n 1 "$work/code-cache" | head -c 400)"
}

lib_is_whole() {
  grep ' usr/lib/wazuh-dfn/' "$lib/MANIFEST" | awk '{ print $2 "  " $3 }' >"$work/sums"
  (cd "$root/" && sha256sum -c --status "$work/sums") 2>/dev/null
}

# Takes custom-dfn out; what was there before the first installation comes back as it was, or stays.
take_custom_dfn() {
  before=$record_dir/custom-dfn.before
  if [ ! -f "$before" ]; then
    take_out_file integrations/custom-dfn custom_dfn
    return
  fi
  if [ "$(fact custom_dfn)" != "$(checksum "$before") $(attributes "$before")" ]; then
    announce "put the custom-dfn that was there before back to $home/integrations" || return 0
    is_there=yes
    [ "$(fact custom_dfn)" != - ] || is_there=no
    put_there integrations/custom-dfn "$is_there" --from "$before" --like-source
  fi
  [ "$is_dry" = 0 ] || return 0
  note_file "$before"
  rm -f "$before" || fail "$code_io" "cannot remove $before"
}
