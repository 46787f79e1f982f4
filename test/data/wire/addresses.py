"""Writes addresses.tsv: what Python's ipaddress says of addresses. For Debian 12's Python 3.11.2 (or 3.13)."""
import ipaddress
import random

random.seed(20260814)
texts = []
networks = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.9/32 192.0.0.10/32 "
    "192.0.0.170/31 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 "
    "198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 255.255.255.255/32 "
    "::/128 ::1/128 ::/96 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128 "
    "2001:1::2/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32 2002::/16 "
    "2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8"
).split()
for network in map(ipaddress.ip_network, networks):
    first, last = int(network.network_address), int(network.broadcast_address)
    size = 1 << network.max_prefixlen
    kind = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
    for number in [first - 1, first, first + 1, last - 1, last, last + 1] + [random.randint(first, last) for _ in range(12)]:
        if 0 <= number < size:
            texts.append(str(kind(number)))
            if network.version == 4:
                texts.append("::ffff:" + str(kind(number)))
for _ in range(700):
    texts.append(str(ipaddress.IPv4Address(random.getrandbits(32))))
    texts.append(str(ipaddress.IPv6Address(random.getrandbits(128))))
    texts.append(str(ipaddress.IPv6Address((1 << 125) | random.getrandbits(125))))
texts += [t.upper() for t in random.sample(texts, 60)]
texts += [ipaddress.ip_address(t).exploded for t in random.sample(texts, 120)]
texts += """1.2.3 1.2.3.4.5 1.2.3.4. .1.2.3.4 1..2.3 01.2.3.4 1.2.3.04 00.0.0.0 0.0.0.0 256.1.1.1 1.2.3.999 1.2.3.1000 -1.2.3.4 +1.2.3.4
0x8.8.8.8 8.8.8.8/32 8.8.8.8%1 8.8.8.8x \u0661.2.3.4 : :: ::: :::1 1: :1 1:: ::1 1::1 1:2:3:4:5:6:7:8 1:2:3:4:5:6:7 1:2:3:4:5:6:7:8:9
1:2:3:4:5:6:7:: ::2:3:4:5:6:7:8 1::3:4:5:6:7:8 1:2:3:4::5:6:7:8 ::1:2:3:4:5:6:7:8 1:2:3:4:5:6:7:8:: 1:2:3:4:5:6:7:8::9 1::2::3
::12345 ::0000 ::00000 ::g ::-1 ::+1 ::1/128 fe80::1%eth0 fe80::1% fe80::1%a%b fe80::1%a/b %eth0 ::ffff:8.8.8.8 ::ffff:8.8.8.8%1
::ffff:10.0.0.1 ::ffff:808:808 ::FFFF:8.8.8.8 ::ffff:08.8.8.8 ::ffff:8.8.8 ::8.8.8.8 1:2:3:4:5:6:8.8.8.8 1:2:3:4:5:6:7:8.8.8.8
1:2:3:4:5:8.8.8.8 8.8.8.8::1 8.8.8.8:: 1::8.8.8.8 ::1:8.8.8.8:1 1:2:3:4:5:6::8.8.8.8 1:2:3:4:5::8.8.8.8 ::ffff:256.1.1.1 1.2.3.4:80 [::1] 2001:4860:4860::8888%
2001:4860:4860::8888%x not-an-ip localhost 0 1 134744072 1:2:3:4:5:6:7: :2:3:4:5:6:7:8 1:2:3:4:5:6:7:8: a.b.c.d ::a.b.c.d :1:: ::1: 1:::2 1.2.3.4::""".split()


def answer(text):
    try:
        return "global" if ipaddress.ip_address(text).is_global else "special"
    except ValueError:
        return "none"


with open("addresses.tsv", "w", encoding="utf-8") as file:
    for text in sorted(set(texts)):
        file.write(text + "\t" + answer(text) + "\n")
