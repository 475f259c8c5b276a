"""The platform's paths, short links, and the controls under /sim/v1/."""

from services.simulator.http.control import CONTROL_ROUTES
from services.simulator.http.goods import GOODS_ROUTES
from services.simulator.http.goods_control import GOODS_CONTROLS
from services.simulator.http.health import HEALTH_ROUTES
from services.simulator.http.links import LINK_ROUTES
from services.simulator.http.platform import PLATFORM_ROUTES
from services.simulator.http.third_party import THIRD_PARTY_ROUTES
from services.simulator.http.trade import TRADE_ROUTES

# What is ours to say; the other paths are documented by the platform.
CONTROLS = (
    *HEALTH_ROUTES,
    *CONTROL_ROUTES,
    *GOODS_CONTROLS,
)
ROUTES = (
    *CONTROLS,
    *PLATFORM_ROUTES,
    *GOODS_ROUTES,
    *THIRD_PARTY_ROUTES,
    *TRADE_ROUTES,
    *LINK_ROUTES,
)
