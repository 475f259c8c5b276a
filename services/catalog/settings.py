"""What this service is told by its environment."""

from pydantic import Field

from shared.runtime import CommonSettings


class Settings(CommonSettings):
    catalog_port: int = Field(default=7005, ge=0, le=65535)
