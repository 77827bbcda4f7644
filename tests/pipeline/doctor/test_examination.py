"""All checks at once: in a sound world each is green; one that takes too long is said to."""

from tests.support.doctors_world import World


def test_in_a_sound_world_each_line_is_green(world: World) -> None:
    assert not [found for found in world.examine() if found.state != "well"]
