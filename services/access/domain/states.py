"""The states of what can be switched off; the tables' CHECKs name the same."""

from enum import StrEnum


class TerminalState(StrEnum):
    AWAITING_ENROLMENT = "awaiting_enrolment"
    ACTIVE = "active"
    REVOKED = "revoked"


class StaffState(StrEnum):
    ACTIVE = "active"
    DEACTIVATED = "deactivated"


class ClientState(StrEnum):
    ACTIVE = "active"
    REVOKED = "revoked"
