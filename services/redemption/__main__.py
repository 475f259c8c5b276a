"""python -m services.redemption"""

from services.redemption.service import running
from services.redemption.settings import Settings
from shared.runtime import run_service

if __name__ == "__main__":
    settings = Settings()
    run_service("redemption", settings, running(settings))
