"""What is due survives a stop at any point."""

from pictor_agent import protocol
from pictor_agent.outbox import Outbox, Report

RESULT = protocol.RenderResult(
    file_sha256="1" * 64, pixels_sha256="2" * 64, size_bytes=3, width=32, height=18, render_seconds=1.5
)


def rendered(outbox: Outbox, work_id: int, attempt: int = 1, **fields) -> Report:
    outbox.picture_path((work_id, attempt)).write_bytes(b"png")
    report = Report(**{"work_id": work_id, "attempt": attempt, "stage": "rendered", "result": RESULT, **fields})
    outbox.put(report)
    return report


class OutboxTests:
    def test_reports_outlive_the_program(self, tmp_path):
        first = rendered(Outbox(tmp_path), 7, log_tail="Fra:1")
        assert Outbox(tmp_path).reports() == [first]

    def test_a_report_moves_forward_in_place(self, tmp_path):
        outbox = Outbox(tmp_path)
        report = rendered(outbox, 7)
        report.stage = "done"
        outbox.put(report)
        assert [kept.stage for kept in outbox.reports()] == ["done"]

    def test_what_is_recorded_is_gone_with_its_picture(self, tmp_path):
        outbox = Outbox(tmp_path)
        rendered(outbox, 7)
        outbox.remove((7, 1))
        assert list(tmp_path.iterdir()) == []

    def test_a_picture_without_a_report_is_cleared_away(self, tmp_path):
        outbox = Outbox(tmp_path)
        outbox.picture_path((7, 1)).write_bytes(b"half")
        assert outbox.reports() == []
        assert list(tmp_path.iterdir()) == []

    def test_a_torn_report_is_cleared_away(self, tmp_path):
        outbox = Outbox(tmp_path)
        rendered(outbox, 7)
        (tmp_path / "000000000007-1.report").write_bytes(b"\x81")
        rendered(outbox, 8)
        assert [report.work_id for report in outbox.reports()] == [8]

    def test_what_was_left_half_written_is_cleared_away(self, tmp_path):
        (tmp_path / "000000000007-1.new").write_bytes(b"\x81")
        (tmp_path / "000000000006-1").mkdir()
        (tmp_path / "000000000006-1" / "picture").write_bytes(b"half")
        rendered(Outbox(tmp_path), 8)
        assert [report.work_id for report in Outbox(tmp_path).reports()] == [8]
        assert {path.name for path in tmp_path.iterdir()} == {"000000000008-1.report", "000000000008-1.picture"}

    def test_a_rendered_report_without_its_picture_is_worthless(self, tmp_path):
        outbox = Outbox(tmp_path)
        rendered(outbox, 7)
        outbox.picture_path((7, 1)).unlink()
        assert outbox.reports() == []

    def test_each_stage_says_its_message(self):
        def message(stage):
            return Report(work_id=7, attempt=2, stage=stage, result=RESULT, reason="no_camera").message()

        assert message("rendered") == protocol.Rendered(work_id=7, attempt=2, result=RESULT)
        assert message("done") == protocol.Done(work_id=7, attempt=2, result=RESULT)
        assert message("failed") == protocol.Failed(work_id=7, attempt=2, reason="no_camera")
