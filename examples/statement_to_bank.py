"""Add up a CSV of royalty statements to what the bank pays; it knows nothing of Buddy."""

import csv
import sys
from collections import defaultdict
from fractions import Fraction

sys.set_int_max_str_digits(0)  # exact shares of many subscribers are long
earned, rounded, arrived, booked, steps, paid = (defaultdict(Fraction) for _ in range(6))
with open(sys.argv[1], encoding="utf-8", newline="") as file:
    for row in csv.DictReader(file):
        whose, account = (row["holder"], row["currency"]), row["account"]
        if row["row"] in ("line", "rounding"):
            earned[whose] += Fraction(row["amount"])
        elif row["row"] == "earned":
            rounded[whose] += Fraction(row["minor"])
            arrived[account] += Fraction(row["left"])
        elif row["row"] == "step":
            steps[account] += Fraction(row["minor"])
            booked[account] += Fraction(row["minor"]) if row["step"] == "earned" else 0
        else:
            paid[account, row["holder"], row["currency"]] = Fraction(row["payable"])
assert earned == rounded, "lines and their rounding are what was earned"
assert all(arrived[account] == booked[account] for account in {*arrived, *booked}), "it reached the accounts"
for (account, holder, currency), amount in sorted(paid.items()):
    assert steps[account] == amount, f"the steps of {account} come to {steps[account]}, not {amount}"
    print(f"{holder}: pay {amount} minor units of {currency} (account {account})")
