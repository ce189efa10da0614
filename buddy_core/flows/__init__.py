"""The only place where modules meet to change things."""

from buddy_core.flows.assign_role import AssignRole, AssignTx, assign_role
from buddy_core.flows.catalogue import AddTitle, CatalogueTx, add_producer, add_title, find_title
from buddy_core.flows.close_period import (
    Closed,
    CloseReport,
    CloseTx,
    close_month,
    month_for,
    provisional_month,
)
from buddy_core.flows.may_watch import Answer, MayWatchTx, may_watch_in
from buddy_core.flows.merge_guest import Joined, MergeTx, Register, merge_guest, register, sign_in
from buddy_core.flows.numbers import NumbersTx, set_reward_rule, set_token_costs
from buddy_core.flows.play import (
    Playing,
    PlayTx,
    SessionClaim,
    beat_session,
    open_session,
    start_playback,
    stop_session,
)
from buddy_core.flows.reward import (
    BeginReward,
    RewardTx,
    begin_reward,
    decide_held_reward,
    find_reward,
    settle_reward,
)
from buddy_core.flows.staff import StaffTx, freeze_wallet, set_token_value
from buddy_core.flows.switch_flags import list_flags, switch_flags
from buddy_core.flows.unlock import Unlocked, UnlockTitle, UnlockTx, unlock_title
from buddy_core.flows.verify import VERIFIED_TABLES, VerifyReport, VerifyTx, verify

__all__ = [
    "VERIFIED_TABLES",
    "AddTitle",
    "Answer",
    "AssignRole",
    "AssignTx",
    "BeginReward",
    "CatalogueTx",
    "CloseReport",
    "CloseTx",
    "Closed",
    "Joined",
    "MayWatchTx",
    "MergeTx",
    "NumbersTx",
    "PlayTx",
    "Playing",
    "Register",
    "RewardTx",
    "SessionClaim",
    "StaffTx",
    "UnlockTitle",
    "UnlockTx",
    "Unlocked",
    "VerifyReport",
    "VerifyTx",
    "add_producer",
    "add_title",
    "assign_role",
    "beat_session",
    "begin_reward",
    "close_month",
    "decide_held_reward",
    "find_reward",
    "find_title",
    "freeze_wallet",
    "list_flags",
    "may_watch_in",
    "merge_guest",
    "month_for",
    "open_session",
    "provisional_month",
    "register",
    "set_reward_rule",
    "set_token_costs",
    "set_token_value",
    "settle_reward",
    "sign_in",
    "start_playback",
    "stop_session",
    "switch_flags",
    "unlock_title",
    "verify",
]
