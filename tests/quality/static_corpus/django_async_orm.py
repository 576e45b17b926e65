from django.db import models
from django.http import JsonResponse
class User(models.Model):
    name = models.CharField(max_length=10)
async def view(request, pk):
    user = await User.objects.aget(pk=pk)
    names = [one.name async for one in User.objects.filter(active=True)]
    return JsonResponse({"name": user.name, "names": names})
