"""Guests and members; profiles, devices and sign-in by other means will live here."""

from buddy_core.accounts.errors import (
    AccountNotFound,
    BadEmail,
    CannotMerge,
    EmailTaken,
    MemberNotFound,
    PasswordLack,
    WeakPassword,
    WrongCredentials,
)
from buddy_core.accounts.events import GuestArrived, GuestMerged, MemberRegistered
from buddy_core.accounts.handlers import begin_guest, check_credentials, find_account
from buddy_core.accounts.model import Account, AccountType, Credential
from buddy_core.accounts.ports import Accounts, AccountsTx, Passwords
from buddy_core.accounts.rules import check_merge, check_password, fold_email
from buddy_core.accounts.steps import add_guest_in, add_member_in, resolve_each_in, resolve_in

__all__ = [
    "Account",
    "AccountNotFound",
    "AccountType",
    "Accounts",
    "AccountsTx",
    "BadEmail",
    "CannotMerge",
    "Credential",
    "EmailTaken",
    "GuestArrived",
    "GuestMerged",
    "MemberNotFound",
    "MemberRegistered",
    "PasswordLack",
    "Passwords",
    "WeakPassword",
    "WrongCredentials",
    "add_guest_in",
    "add_member_in",
    "begin_guest",
    "check_credentials",
    "check_merge",
    "check_password",
    "find_account",
    "fold_email",
    "resolve_each_in",
    "resolve_in",
]
