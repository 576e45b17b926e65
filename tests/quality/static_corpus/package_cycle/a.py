import b
def wait():
    b.pause()
