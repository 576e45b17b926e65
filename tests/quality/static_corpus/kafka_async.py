from aiokafka import AIOKafkaProducer
async def send(value):
    producer = AIOKafkaProducer()
    await producer.start()
    await producer.send_and_wait("topic", value)
