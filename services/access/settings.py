"""What the environment tells this service."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.runtime import CommonSettings


class Settings(CommonSettings):
    model_config = SettingsConfigDict(env_prefix="QIAO_", frozen=True, extra="ignore")

    access_port: int = Field(default=7004, ge=0, le=65535)
    # Without it there is no operator client: nobody can add merchants.
    access_operator_secret: SecretStr | None = Field(default=None, min_length=16)
    # Every service remembers revocations for 20 minutes; no token may live longer.
    access_token_seconds: int = Field(default=600, ge=30, le=1140)
    # How long a person stays signed in by renewing tokens before the password is asked again.
    access_session_hours: int = Field(default=12, ge=1, le=72)
    access_enrolment_minutes: int = Field(default=15, ge=1, le=1440)
    access_key_rotation_days: int = Field(default=30, ge=1, le=365)
    # A new signing key is published this long before it signs; services ask every 30 seconds.
    access_key_lead_seconds: int = Field(default=120, ge=0, le=3600)
    # Refusals of one caller at sign-in, token requests and enrolment, in a burst and per minute.
    access_refusals_burst: int = Field(default=30, ge=1)
    access_refusals_per_minute: int = Field(default=30, ge=1)
    # Tokens of one principal, in a burst and per minute.
    access_tokens_burst: int = Field(default=60, ge=1)
    access_tokens_per_minute: int = Field(default=60, ge=1)
    # Behind a proxy that sets X-Forwarded-For: count by the last address in it.
    access_behind_proxy: bool = False
