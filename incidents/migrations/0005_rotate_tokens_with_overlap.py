from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0004_keep_what_was_looked_at")]

    operations = [
        migrations.AddField(
            model_name="integration",
            name="old_token_hash",
            field=models.CharField(
                blank=True, editable=False, max_length=64, null=True, unique=True
            ),
        ),
        migrations.AddField(
            model_name="integration",
            name="old_token_prefix",
            field=models.CharField(blank=True, editable=False, max_length=8),
        ),
        migrations.AddField(
            model_name="integration",
            name="old_token_until",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
