from django.db import models
class User(models.Model):
    name = models.CharField(max_length=10)
async def view(request):
    return list(User.objects.filter(active=True))
