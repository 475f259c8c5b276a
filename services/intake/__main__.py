"""`python -m services.intake`"""

from services.intake.service import running
from services.intake.settings import Settings
from shared.runtime import run_service


def main() -> None:
    settings = Settings()
    run_service("intake", settings, running(settings))


if __name__ == "__main__":
    main()
