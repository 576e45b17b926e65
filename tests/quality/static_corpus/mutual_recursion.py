def even(number):
    return number == 0 or odd(number - 1)
def odd(number):
    return number != 0 and even(number - 1)
async def read(number):
    return even(number)
