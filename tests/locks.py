"""A server of a lock, which trusts whoever gives it back: for programs that tests look into."""

SERVER = """\
class Server(process):
    def setup():
        self.free = True
        self.waiting = []
    def receive(msg=('acquire',), from_=p):
        if free:
            free = False
            send(('granted',), to=p)
        else:
            waiting.append(p)
    def receive(msg=('release',), from_=p):
        if waiting:
            send(('granted',), to=waiting.pop(0))
        else:
            free = True
"""
