from dataclasses import dataclass, field
import requests
@dataclass
class Api:
    base: str
    session: requests.Session = field(default_factory=requests.Session)
    async def load(self):
        return self.session.get(self.base)
