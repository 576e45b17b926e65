import jinja2
environment = jinja2.Environment(enable_async=True)
async def page():
    return await environment.get_template("x").render_async()
