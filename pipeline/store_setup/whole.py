"""All that makes a store ready for runs, in the order in which it is done."""

from collections.abc import Iterator
from dataclasses import dataclass

from components.step.errors import DataError
from pipeline.store_setup.buckets import bucket_changes
from pipeline.store_setup.changes import Change
from pipeline.store_setup.key_places import KeyPlace
from pipeline.store_setup.minio_rights import MinioRights, NoAdmin
from pipeline.store_setup.places import Places
from pipeline.store_setup.policy import Policy, added_to, missing_of, others_of, policy_of
from pipeline.store_setup.s3_server import Keys, Refused, S3Server, spoken_with


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted: `places` ready, the policy of that name, a key in `key_place` (None for no key at all)."""

    places: Places
    policy: str
    key_place: KeyPlace | None = None
    new_key: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, the rights of runs, and what cannot be done and must be said at the end."""

    changes: tuple[Change, ...]
    policy: Policy
    by_hand: bool = False
    refusal: NoAdmin | None = None


def plan(server: S3Server, wish: Wish) -> Plan:
    """Find out what is to be done on `server`; nothing is changed.

    Where the key is no administrator's, buckets are made ready all the same.

    Raises:
        UsageError, DataError: what is asked for cannot be had, such as a bucket or a file that is there.
        ServiceError: the store or the cluster refuses or does not answer.
    """
    policy = policy_of(wish.places)
    changes = list(bucket_changes(server, wish.places))
    try:
        rights = list(_rights(server, wish, policy) if server.is_minio else _by_hand(server, wish))
    except NoAdmin as refusal:
        return Plan(tuple(changes), policy, by_hand=True, refusal=refusal)
    return Plan((*changes, *rights), policy, by_hand=not server.is_minio)


def _rights(server: S3Server, wish: Wish, policy: Policy) -> Iterator[Change]:
    rights = MinioRights(server)
    yield from _policy(rights, wish.policy, policy)
    if wish.key_place is None:
        yield Change("keep", "key", "none is wanted")
        return
    held = wish.key_place.held()
    if held and not wish.new_key:
        ours = wish.policy in rights.policies_of(held.access)
        _check_key(server, wish, held, rights_come=ours)
        said = (
            "there, with these rights" if ours else "another one is there and works, left alone; --new-key makes ours"
        )
        yield Change("keep" if ours else "leave", f"key in {wish.key_place.name}", said)
        return
    wish.key_place.check()
    yield _new_key(server, rights, wish.policy, wish.key_place, held)


def _policy(rights: MinioRights, name: str, ours: Policy) -> Iterator[Change]:
    there = rights.policy(name)
    if there is None:
        yield Change("create", f"policy {name}", "new", lambda: rights.put_policy(name, ours))
        return
    if missing := missing_of(ours, there):
        said = f"allows {len(missing)} more of what runs need"
        yield Change("replace", f"policy {name}", said, lambda: rights.put_policy(name, added_to(there, missing)))
    else:
        yield Change("keep", f"policy {name}", "there")
    if others := others_of(ours, there):
        yield Change("leave", f"policy {name}", f"{others} other statements of it, left alone")


def _new_key(server: S3Server, rights: MinioRights, policy: str, place: KeyPlace, before: Keys | None) -> Change:
    def make() -> None:
        keys = rights.make_user(policy)
        try:
            place.hold(keys)
        except BaseException:
            rights.remove_user(keys)  # Nobody would know its secret.
            raise

    said = "a new one; that before it works until you remove its user" if before else "a new one"
    return Change("replace" if before else "create", f"key in {place.name}", said, make)


def _by_hand(server: S3Server, wish: Wish) -> Iterator[Change]:
    """Yield what can be said of the key on a store that is no MinIO."""
    if wish.key_place is None:
        yield Change("keep", "key", "none is wanted")
        return
    held = wish.key_place.held()
    if held:
        _check_key(server, wish, held)
        yield Change("keep", f"key in {wish.key_place.name}", "there, and the store takes it")
    else:
        yield Change("leave", f"key in {wish.key_place.name}", "none; make one by hand, with the policy below")


def _check_key(server: S3Server, wish: Wish, keys: Keys, rights_come: bool = False) -> None:
    """Check that the store lets `keys` look into what runs write, unless their `rights_come` by the policy yet.

    Raises:
        DataError: it does not.
        ServiceError: it does not answer.
    """
    from minio.error import S3Error

    store = wish.places.written[0]
    try:
        with spoken_with(server, "look into the dataset store"):
            try:
                next(iter(server.client_of(keys).list_objects(store.bucket, store.folder)), None)
            except S3Error as error:
                if error.code != "NoSuchBucket":  # It knew the key.
                    raise
    except Refused as error:
        if rights_come and error.code == "AccessDenied":
            return
        where = wish.key_place.name if wish.key_place else ""
        advice = "--new-key puts another one there" if server.is_minio else "put another one there"
        raise DataError(
            f"The store must take the key in {where}. Received: {error.code}. Nothing has been changed; {advice}."
        ) from error
