import pandas as pd
async def load(name):
    return pd.read_csv(name)
