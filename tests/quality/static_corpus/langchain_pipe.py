from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI
chain = ChatPromptTemplate.from_template("{x}") | ChatOpenAI()
async def ask(x):
    return chain.invoke({"x": x})
