from .work import work
