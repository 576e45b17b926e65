import smtplib
async def send(message):
    with smtplib.SMTP("mail") as server:
        server.send_message(message)
