class Plan:
    def run(self):
        return 1
    def get(self):
        return 2
    def execute(self):
        return 3
async def read(plan: Plan):
    return plan.run(), plan.get(), plan.execute()
