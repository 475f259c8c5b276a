from services.simulator.service import running
from services.simulator.settings import Settings
from shared.runtime import run_service

if __name__ == "__main__":
    settings = Settings()
    run_service("simulator", settings, running(settings))
