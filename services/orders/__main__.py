"""python -m services.orders"""

from services.orders.service import running
from services.orders.settings import Settings
from shared.runtime import run_service

if __name__ == "__main__":
    settings = Settings()
    run_service("orders", settings, running(settings))
