#!/bin/sh
# What Wazuh's integratord runs for each alert: hands it to the forwarder wazuh-dfn over its Unix socket.
#
# The usual call, an alert of one line with the tail of alerts.json on, goes the fast path, by the package's own program or
# a tool of this system; it costs a twentieth or a tenth of a start of Node. Every other call, and one for which the tool fails, goes the bundled way: custom-dfn.cjs
# with the package's own Node. Both speak the same protocol, wait at most 50 ms and leave with 0: the tail has the alert.

# Written by choose-way.cjs, which tried the tool with a real hand-over. Whole paths: integratord may have no PATH.
lib=/usr/lib/wazuh-dfn
way=bundled
tool=
timeout=
tail=

# perl -e: sends file $ARGV[0] to socket $ARGV[1] and waits for the first line of the answer. Leaves with 3 when the file
# is not one line that holds an object. Nothing is loaded (modules, %!), because that takes as long as all the rest.
# shellcheck disable=SC2016 # the dollars are perl's
hand_over='
  $SIG{PIPE} = "IGNORE";
  open(F, "<", $ARGV[0]) or exit 3;
  $line = "";
  1 while sysread(F, $line, 65536, length $line) and length($line) <= 16 << 20;
  exit 3 if length($line) > 16 << 20 or $line !~ /\A\{[^\n]*\}\n\z/;
  $left = 0.05;
  sub ready {
    my $bits = "";
    vec($bits, fileno(S), 1) = 1;
    (my $count, $left) = $_[0] ? select(undef, $bits, undef, $left) : select($bits, undef, undef, $left);
    exit 0 if $count < 1;
  }
  socket(S, 1, 1, 0) && fcntl(S, 4, 2048) or exit 3; # AF_UNIX, SOCK_STREAM; F_SETFL, O_NONBLOCK
  connect(S, pack("Sa*", 1, $ARGV[1])) or exit 0;
  for ($at = 0; $at < length $line;) {
    $count = syswrite(S, $line, length($line) - $at, $at);
    if (defined $count) { $at += $count } elsif ($! == 11) { ready(1) } else { exit 0 } # EAGAIN
  }
  $answer = "";
  do { ready(0) } while sysread(S, $answer, 512, length $answer) and $answer !~ /\n/ and length($answer) < 512;
'

# Returns if the call is one for the bundled way, or the tool failed.
fast_way() {
  # Exactly what integratord gives when it is not in debug mode, nothing has a blank in it and there are no options.
  [ $# -eq 8 ] && [ "$8" = '> /dev/null 2>&1' ] && [ -z "$4$5" ] || return
  case "$1,$2" in
    *,unix:* | *.options) return ;;
    *.alert,*) ;;
    *) return ;;
  esac
  case $3 in
    '' | unix:) socket=/run/wazuh-dfn/alerts.sock ;;
    *.options) return ;;
    unix:*) socket=${3#unix:} ;;
    *) return ;;
  esac
  [ -e "$socket.tail-off" ] && return
  # No forwarder: nothing to wait for.
  [ -S "$socket" ] || exit 0
  case $way in
    own) "$tool" "$1" "$socket" && exit 0 ;;
    perl)
      unset PERL5OPT PERL5LIB PERLLIB PERL5DB PERLIO PERL_UNICODE
      LC_ALL=C "$tool" -e "$hand_over" "$1" "$socket" >/dev/null 2>&1 && exit 0
      ;;
    nc) by_stream "$1" -N -U "$socket" ;;
    socat)
      case $socket in *[!-/._0-9A-Za-z]*) return ;; esac # what it would take for its own
      by_stream "$1" -b 65536 -t 1 - "UNIX-CONNECT:$socket"
      ;;
  esac
}

# Sends a file with a tool that copies its input to the socket, closes its sending side, and waits for the other one's end.
by_stream() {
  file=$1
  shift
  # integratord writes the newline last, and none before it: a file with this end is whole, and of JSON.
  [ "$("$tail" -c 2 <"$file")" = '}' ] || return
  "$timeout" 0.05 "$tool" "$@" <"$file"
  case $? in 0 | 124) exit 0 ;; esac
}

[ "$way" = bundled ] || fast_way "$@" >/dev/null 2>&1
unset NODE_OPTIONS NODE_PATH
[ -x "$lib/bin/node" ] && exec "$lib/bin/node" "$lib/custom-dfn.cjs" "$@"

# The package was removed, this file was not. That must not fill the manager's log with errors.
echo "custom-dfn: $lib/bin/node is not there: install wazuh-dfn again, or remove the custom-dfn block from ossec.conf" >&2
[ $# -lt 7 ] && exit 69
exit 0
