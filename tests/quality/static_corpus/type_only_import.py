from __future__ import annotations
from typing import TYPE_CHECKING
if TYPE_CHECKING:
    import requests
async def read(response: requests.Response):
    return response.status_code
