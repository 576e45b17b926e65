from .work import *
