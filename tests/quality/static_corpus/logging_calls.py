import logging
log = logging.getLogger(__name__)
async def read():
    log.info("x")
    log.exception("y")
