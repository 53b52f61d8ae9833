from mesh_assets.platforms.http import RateLimiter
from mesh_assets_tests.platforms.http.fakes import FakeTime


def turns(limiter: RateLimiter, time: FakeTime, count: int) -> list[float]:
    moments = []
    for _ in range(count):
        limiter.wait_for_turn()
        moments.append(round(time.elapsed, 6))
    return moments


def test_a_burst_goes_at_once_and_the_rest_at_an_even_pace() -> None:
    time = FakeTime()
    limiter = RateLimiter(per_second=10, burst=3, clock=time.clock)
    assert turns(limiter, time, 6) == [0, 0, 0, 0.1, 0.2, 0.3]


def test_no_second_exceeds_burst_and_pace_together() -> None:
    time = FakeTime()
    limiter = RateLimiter(per_second=50, burst=25, clock=time.clock)
    moments = turns(limiter, time, 100)
    time.pass_by(10)
    moments += turns(limiter, time, 100)
    assert max(sum(start <= moment < start + 1 for moment in moments) for start in moments) <= 75


def test_idle_time_restores_one_burst_and_no_more() -> None:
    time = FakeTime()
    limiter = RateLimiter(per_second=10, burst=2, clock=time.clock)
    turns(limiter, time, 5)
    time.pass_by(100)
    assert turns(limiter, time, 4) == [round(time.elapsed - 0.2, 6)] * 2 + [
        round(time.elapsed - 0.1, 6),
        round(time.elapsed, 6),
    ]
