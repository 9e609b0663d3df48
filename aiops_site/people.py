from django.contrib.auth.models import Group, User

from aiops_site.roles import ROLES, sync_roles


def make_administrator(user: User) -> User:
    """A superuser with all five roles. Being one bypasses neither four eyes nor the plan hash."""
    user.is_superuser = user.is_staff = True
    user.save()
    sync_roles()
    user.groups.set(Group.objects.filter(name__in=ROLES))
    return user
