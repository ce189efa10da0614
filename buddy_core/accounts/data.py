"""Passwords that are tried first: words that many people build theirs on, and rows of keys."""

from __future__ import annotations

_WORDS = """
abc abcd access account admin administrator adminadmin apple asdf asdfg asdfgh asdfghjkl august
autumn baseball batman bharat bollywood buddy changeme cinema computer cricket december default demo
diamond dragon facebook february football freedom friday ganesh google guest hanuman hello helloworld
hello-world hindustan iloveindia iloveyou india indian instagram internet jaihind january jesus july
june killer krishna letmein login london love lovely lucky march master michael monday monkey mother
movie mumbai mypassword namaste netflix newyork ninja november october omnamahshivaya pass passcode
passw password passwords passwort pokemon princess qazwsx qwer qwert qwerty qwertyuiop root saibaba
samsung saturday secret september server shadow shiva soccer spring starwars summer sunday sunshine
superman support system temp test tester testing thursday trustno tuesday user wednesday welcome
whatever winter zxcvb zxcvbn zxcvbnm
"""
_PASSWORDS = """
1Qaz!Qaz 1Qaz@Wsx 1qaz@WSX1 1qaz2wsx#EDC 1qazXSW@ !QAZ1qaz !QAZ2wsx !Qaz2wsx !QAZxsw2 @WSX3edc
Zaq1@wsx Zaq12wsx! Zaq!2wsx ZAQ!xsw2 Zaq1!qaz Qaz123!@# Qazwsx123!@# Qwe123!@# Qwe!@#123 Asd123!@#
Q1w2e3r4! Q1w2e3r4t5! Q1w2e3r4t5y6! Qwer!@34 1q2w3e4R! 1q2w3e4r5T! !Q2w3e4r !Q@W3e4r !Q@W#E4r
A1b2c3d4! A!b2c3d4 Aa123456! Aa123456@ Aa@123456 Aa@12345 Aa12345@ Aa12345678! Aa12345678@ Aa123123!
A123456! A123456@ A@123456 A12345678! A12345678@ A@12345678 Aaa111!! Aaaa1111! Aaaa@1111 Aaa@1234
Abc123!@# Abcde@123 Abcde123! Abcde12345! Abcdef@123 Abcdef123! 123456Aa! 123456Aa@ 123456aA! 123456Ab@
12345678Aa! 12345678Aa@ 12345678aA! 123456789Aa! 123456789Aa@ 1234Abcd! 1234Abcd@ 1234@Abcd 123Abc!@#
123@Abcd 1234Qwer! !@#$1234Qwer 1234!@#$Qwer 123456Qw! 123456Qwe! Zxc123!@# Zxcv!234 P@55w0rd P@$$w0rd
P@ssw0rd Pa$$w0rd Pa55w0rd! Pa55word! P455w0rd! L0v3y0u! 1L0v3y0u! 1Loveyou! Iloveyou<3 C0mput3r!
"""

COMMON_WORDS = frozenset(_WORDS.split())
"""In small letters; with digits and signs around them, or in the place of letters, they are no rarer."""

COMMON_PASSWORDS = frozenset(password.casefold() for password in _PASSWORDS.split())
"""Folded, as they are compared: rows of keys, and spellings that hide their word."""
