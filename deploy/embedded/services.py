"""The services that `qiao up` starts. To add one, add a line."""

from dataclasses import dataclass

NATS_PORT_OFFSET = 22


@dataclass(frozen=True)
class Service:
    """A folder in services/, run as `python -m services.<name>`."""

    name: str
    port_offset: int
    demo_only: bool = False


SERVICES = (
    Service("intake", 1),
    Service("orders", 2),
    Service("redemption", 3),
    Service("access", 4),
    Service("catalog", 5),
    Service("simulator", 9, demo_only=True),
)


def services_for(*, demo: bool) -> tuple[Service, ...]:
    """Leave out what stands in for the real platform, where there is a real platform."""
    return tuple(service for service in SERVICES if demo or not service.demo_only)
