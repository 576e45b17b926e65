from django.db import models
class User(models.Model):
    name = models.CharField(max_length=10)
def view(request, pk):
    return User.objects.get(pk=pk)
