"""What the studio says, in English and in Korean: one table, a pair for each thing; `{…}` is filled in."""

from collections.abc import Mapping
from types import MappingProxyType

LANGUAGES: Mapping[str, str] = MappingProxyType({"en": "English", "ko": "한국어"})

WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # the page
        "title": ("vocalise studio", "vocalise 스튜디오"),
        "lead": (
            "Everything happens on this machine. Nothing is sent anywhere.",
            "모든 작업은 이 컴퓨터 안에서만 이루어지며, 어디로도 전송되지 않습니다.",
        ),
        "kept_in": ("Files are kept in {folder}", "파일은 {folder}에 보관됩니다"),
        "tab.convert": ("Convert", "변환"),
        "tab.record": ("Record", "녹음"),
        "tab.singers": ("Singers", "가수"),
        "tab.train": ("Train", "학습"),
        "tab.evaluate": ("Evaluate", "평가"),
        # convert
        "convert.lead": (
            "Drop a song, choose who should sing it. The result is exactly as long, and as loud.",
            "노래를 넣고 누가 부를지 고르세요. 결과는 길이와 음량이 원곡과 똑같습니다.",
        ),
        "drop": ("Songs: solo singing, one file or many", "노래: 반주 없는 노래, 한 개 또는 여러 개"),
        "songs": ("To convert", "변환할 노래"),
        "voice": ("Voice", "목소리 파일"),
        "voice.add": ("Add a voice file (.safetensors)", "목소리 파일 추가 (.safetensors)"),
        "singers.to": ("Who sings (several: a mixture)", "부를 가수 (여러 명이면 섞어서)"),
        "share": ("Share of {name}", "{name}의 비율"),
        "key": ("Key", "조 옮김"),
        "key.recipe": ("As the voice has it", "목소리 파일의 기본값"),
        "key.auto": ("Octaves only (stays in key)", "옥타브만 (조 유지)"),
        "key.range": ("Into the singer's range", "가수의 음역에 맞춤"),
        "key.fixed": ("By semitones", "반음 단위로"),
        "semitones": ("Semitones", "반음"),
        "more": ("More", "더 보기"),
        "formant": ("Formants, semitones", "포먼트, 반음"),
        "breath": ("Breath, dB", "숨소리, dB"),
        "temperature": ("Temperature", "온도"),
        "seed": ("Seed", "시드"),
        "suffix": ("Kind of file", "파일 형식"),
        "convert.go": ("Convert", "변환하기"),
        "range.title": ("Ranges", "음역"),
        "range.song": ("the song", "노래"),
        "range.moved": ("as it will be sung", "부르게 될 음역"),
        "range.none": (
            "Choose one song, and its range is measured and drawn here.",
            "노래 하나를 고르면 음역을 재어 여기에 그립니다.",
        ),
        "range.silent": ("No pitch was found in this song.", "이 노래에서는 음높이를 찾지 못했습니다."),
        "accompanied": (
            "This song seems to have accompaniment, and only voices can be converted. Take the voice out first: "
            "with “More: take the voice out”, or with another program.",
            "이 노래에는 반주가 있는 것 같습니다. 목소리만 변환할 수 있으니 먼저 목소리를 떼어 내세요. "
            "“더 보기”의 목소리 분리나 다른 프로그램을 쓰면 됩니다.",
        ),
        "separator": ("Take the voice out of the mix with", "반주에서 목소리를 떼어 낼 모델"),
        "separator.none": ("– the songs are voices alone –", "– 반주 없는 노래 –"),
        "separator.how": (
            "For songs with accompaniment, lay a separation network (.safetensors) into the folder “separators” of the "
            "workspace, and it can be chosen here.",
            "반주가 있는 노래는 작업 폴더의 “separators” 폴더에 음원 분리 모델(.safetensors)을 넣으면 "
            "여기에서 고를 수 있습니다.",
        ),
        "melody.title": ("Melody: draw over it", "선율: 위에 그려서 고치기"),
        "melody.help": (
            "Draw over the line to change the tune; hold Shift to draw straight. What you drew is sung with Convert.",
            "선 위에 그리면 선율이 바뀝니다. Shift를 누르면 직선으로 그려집니다. 그린 선율은 변환할 때 불립니다.",
        ),
        "melody.hear": ("Hear the melody", "선율 듣기"),
        "melody.undo": ("Undo", "되돌리기"),
        "melody.reset": ("As it was", "처음대로"),
        "melody.zoom": ("Zoom", "확대"),
        "melody.changed": ("changed: it will be sung like this", "고침: 이대로 부릅니다"),
        "melody.name": (
            "Melody of the song over time, which can be drawn over",
            "시간에 따른 노래의 선율, 위에 그려서 고칠 수 있음",
        ),
        "results": ("Results", "결과"),
        "results.none": ("Nothing has been converted yet.", "아직 변환한 것이 없습니다."),
        "ledger": ("{converted} converted, {failed} failed", "변환 {converted}개, 실패 {failed}개"),
        "original": ("A: original", "A: 원곡"),
        "converted": ("B: converted", "B: 변환"),
        "ab.play": ("Play", "재생"),
        "ab.pause": ("Pause", "멈춤"),
        "download": ("Download", "내려받기"),
        "download.all": ("Download all", "모두 내려받기"),
        # record
        "record.lead": (
            "Record a take with your microphone. Sing alone, close to it, without accompaniment.",
            "마이크로 테이크를 녹음하세요. 반주 없이, 마이크 가까이에서 혼자 부르세요.",
        ),
        "microphone": ("Microphone", "마이크"),
        "take.name": ("Name of the take", "테이크 이름"),
        "take.default": ("take", "테이크"),
        "take.keep": ("Keep it", "보관하기"),
        "takes": ("Takes", "테이크"),
        "takes.none": ("No take has been kept yet.", "아직 보관한 테이크가 없습니다."),
        "take.kept": (
            "Kept as {name}. It can be chosen in Convert.",
            "{name}(으)로 보관했습니다. 변환에서 고를 수 있습니다.",
        ),
        "take.none": ("Record something first.", "먼저 녹음하세요."),
        # singers
        "singers.lead": (
            "A voice is learned from recordings of singers. Each singer needs 5 to 30 minutes of solo singing.",
            "목소리는 가수들의 녹음에서 배웁니다. 가수마다 반주 없는 노래 5~30분이 필요합니다.",
        ),
        "singer": ("Singer", "가수"),
        "singer.new": ("Name of the singer (new or known)", "가수 이름 (새 가수 또는 기존 가수)"),
        "singer.files": ("Recordings of this singer", "이 가수의 녹음"),
        "singer.add": ("Add recordings", "녹음 추가"),
        "singer.added": ("{count} recordings of {singer} were added.", "{singer}의 녹음 {count}개를 추가했습니다."),
        "singers.there": ("Singers in the workspace", "작업 폴더의 가수"),
        "singers.none": ("There are no recordings of singers yet.", "아직 가수의 녹음이 없습니다."),
        "recordings": ("{count} recordings", "녹음 {count}개"),
        "consent": (
            "Use only recordings whose singer has agreed that this voice is made from them. Write down who agreed, "
            "to what: it stays with the voice file.",
            "그 녹음으로 목소리를 만드는 데 본인이 동의한 경우에만 쓰세요. "
            "누가 무엇에 동의했는지 적어 두면 목소리 파일에 함께 남습니다.",
        ),
        "consent.label": ("Who agreed, to what", "누가 무엇에 동의했는지"),
        "licence.label": ("Licence of the recordings", "녹음의 이용 허락 조건"),
        "agreed": ("The singer has agreed, or the voice is mine", "가수가 동의했거나 내 목소리입니다"),
        "agreed.first": ("First confirm that the singer has agreed.", "먼저 가수의 동의를 확인해 주세요."),
        "check.go": ("Examine the recordings", "녹음 검사하기"),
        "check.title": ("The doctor's report", "녹음 검사 보고서"),
        "check.none": ("The recordings have not been examined yet.", "아직 녹음을 검사하지 않았습니다."),
        "page.open": ("Open it in a page of its own", "새 창에서 열기"),
        "enrol.title": ("A place in a voice", "목소리 파일 속의 자리"),
        "enrol.lead": (
            "Enrol gives a singer a place in a trained voice; forget takes one out. What all other weights learned "
            "from somebody's recordings stays in them.",
            "등록은 학습된 목소리에 가수의 자리를 만들고, 잊기는 그 자리를 없앱니다. "
            "다른 가중치가 그 녹음에서 배운 것은 그대로 남습니다.",
        ),
        "enrol.go": ("Enrol", "등록하기"),
        "enrol.steps": ("Steps (0: as usual)", "단계 수 (0이면 기본값)"),
        "forget.go": ("Forget", "잊기"),
        "forget.whom": ("Whose place to take out", "자리를 없앨 가수"),
        "enrolled": (
            "{singer} has a place in the voice “{voice}”: {after}, from {before} at the place of {nearest}.",
            "{singer}의 자리가 목소리 “{voice}”에 생겼습니다: {after} ({nearest}의 자리에서는 {before}).",
        ),
        "forgotten": (
            "“{voice}” has no place for {singer} any more.",
            "“{voice}”에는 이제 {singer}의 자리가 없습니다.",
        ),
        # train
        "train.lead": (
            "Learn a voice from the singers in the workspace. See first what it costs; pause and go on when you like.",
            "작업 폴더의 가수들에게서 목소리를 배웁니다. 먼저 비용을 확인하고, 언제든 멈췄다가 이어서 할 수 있습니다.",
        ),
        "recipe": ("Recipe", "레시피"),
        "size": ("Size", "크기"),
        "train.whom": ("Singers (none: all)", "가수 (비우면 모두)"),
        "run": ("Name of the run", "학습 이름"),
        "minutes": ("Minutes (0: see steps)", "시간, 분 (0이면 단계 수)"),
        "steps": ("Steps (0: as published)", "단계 수 (0이면 논문대로)"),
        "estimate.go": ("What will it cost?", "얼마나 걸릴까요?"),
        "estimate.first": ("First see what it costs on this machine.", "먼저 이 컴퓨터에서 드는 비용을 확인하세요."),
        "train.go": ("Start training", "학습 시작"),
        "train.none": ("Nothing has been trained yet.", "아직 학습한 것이 없습니다."),
        "curve": ("Loss over steps: {unit}", "단계에 따른 손실: {unit}"),
        "curve.training": ("training", "학습"),
        "curve.held_out": ("held out", "따로 둔 녹음"),
        "samples": ("Sound along the way", "학습 중의 소리"),
        "step": ("step {step}", "{step}단계"),
        "voice.ready": (
            "Its voice can be chosen in Convert already: “{voice}”",
            "이 목소리는 변환에서 고를 수 있습니다: “{voice}”",
        ),
        # evaluate
        "evaluate.lead": (
            "Songs that a voice never heard are sung by every singer, measured and judged. Two voices can be compared.",
            "목소리가 들어 본 적 없는 노래를 모든 가수로 불러 재고 평가합니다. 두 목소리를 비교할 수도 있습니다.",
        ),
        "against": ("Beside another voice", "다른 목소리와 나란히"),
        "against.none": ("none", "없음"),
        "seconds": ("Seconds of each song (0: whole)", "노래마다 몇 초 (0이면 전체)"),
        "evaluate.go": ("Evaluate", "평가하기"),
        "evaluate.none": ("Nothing has been evaluated yet.", "아직 평가한 것이 없습니다."),
        "scored": ("{count} conversions were scored.", "변환 {count}개를 평가했습니다."),
        "listen.title": ("Blind listening", "블라인드 청취"),
        "listen.lead": (
            "A page that plays conversions without saying what is what, and asks; the key stays with you.",
            "무엇이 무엇인지 알리지 않고 들려주며 묻는 페이지입니다. 정답 파일은 당신에게 남습니다.",
        ),
        "listen.kind": ("What is asked", "무엇을 물을지"),
        "listen.mos": ("How good, how alike (scores)", "얼마나 좋은지, 닮았는지 (점수)"),
        "listen.abx": ("Which of two (choices)", "둘 중 어느 것인지 (선택)"),
        "listen.go": ("Make the test", "시험 만들기"),
        "listen.report": ("Of which evaluation", "어느 평가로"),
        "listen.ready": ("The test takes about {minutes} minutes.", "시험은 약 {minutes}분 걸립니다."),
        "listen.key": ("Key (keep it to yourself)", "정답 파일 (혼자만 보관)"),
        # work under way
        "work": ("Under way", "진행 중"),
        "work.stop": ("Stop", "중지"),
        "work.pause": ("Pause", "일시 정지"),
        "work.go_on": ("Go on", "이어서 하기"),
        "work.forget": ("Remove", "지우기"),
        "left": ("{span} left", "{span} 남음"),
        "state.waiting": ("waiting", "대기 중"),
        "state.running": ("under way", "진행 중"),
        "state.done": ("done", "완료"),
        "state.failed": ("failed", "실패"),
        "state.stopped": ("stopped", "멈춤"),
        "state.lost": ("ended unexpectedly", "예기치 않게 끝남"),
        "kind.melody": ("Measuring the melody", "선율 재기"),
        "kind.convert": ("Conversion", "변환"),
        "kind.check": ("Examination", "검사"),
        "kind.estimate": ("Estimate", "비용 추정"),
        "kind.train": ("Training", "학습"),
        "kind.enrol": ("Enrolment", "등록"),
        "kind.forget": ("Forgetting", "잊기"),
        "kind.evaluate": ("Evaluation", "평가"),
        "kind.listen": ("Listening test", "청취 시험"),
        "refused": ("Refused: {why}", "거절됨: {why}"),
        "choose.song": ("Choose a song first.", "먼저 노래를 고르세요."),
        "choose.singer": ("Choose who should sing.", "누가 부를지 고르세요."),
        "choose.run": ("Give the run a name.", "학습의 이름을 적어 주세요."),
        "choose.report": ("Evaluate a voice first.", "먼저 목소리를 평가하세요."),
    }
)

# What the package says that it is doing, in the words of this page.
DOINGS: Mapping[str, str] = MappingProxyType(
    {
        "Teaching the judges": "판정기를 가르치는 중",
        "choosing phrases": "구절 고르는 중",
        "converting": "변환 중",
        "enrolling": "등록 중",
        "examining the judges": "판정기를 시험하는 중",
        "hearing": "듣는 중",
        "looking into the voice": "목소리를 살펴보는 중",
        "measuring": "재는 중",
        "measuring pitch": "음높이 재는 중",
        "measuring pitch ranges": "음역 재는 중",
        "measuring this machine": "이 컴퓨터를 재는 중",
        "preparing": "준비 중",
        "probing": "탐침 중",
        "rendering lessons for the listener": "듣기 학습 자료를 만드는 중",
        "singing": "부르는 중",
        "taking the voice out": "목소리를 떼어 내는 중",
        "teaching the listener": "듣기를 가르치는 중",
        "training": "학습 중",
    }
)


class Speech:
    """The words of one language."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._place = tuple(LANGUAGES).index(language)

    def __call__(self, name: str, /, **facts: object) -> str:
        """The words of that name, filled in."""
        return WORDS[name][self._place].format(**facts)

    def doing(self, what: str) -> str:
        """What the package says that it is doing."""
        if self.language == "en":
            return what
        begun = next((known for known in sorted(DOINGS, key=len, reverse=True) if what.startswith(known)), None)
        return what if begun is None else DOINGS[begun] + what[len(begun) :]
