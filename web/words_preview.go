package web

// previewWords are the texts of the preview on an enterprise's page.
var previewWords = map[string]Phrase{
	"preview.title":   {"拟用评分模型预览", "Preview of a proposed scoring model"},
	"preview.text":    {"%s 第 %d 版正在征求意见，最早 %s 起施行。下面按今天的记录，比较贵企业在现行模型和拟用模型下的等级。", "%s version %d is open for comment and takes effect on %s at the earliest. Here is this enterprise’s own grade by today’s records, under the model in use and under the proposed one."},
	"preview.same":    {"拟用模型不改变贵企业的指数和等级。", "The proposed model changes neither the index nor the grade of this enterprise."},
	"preview.what":    {"项目", "What"},
	"preview.now":     {"现行模型", "Model in use"},
	"preview.then":    {"拟用模型", "Proposed model"},
	"preview.tier":    {"公布等级", "Published tier"},
	"preview.colour":  {"公布色级", "Published colour"},
	"preview.earned":  {"记录所对应的等级", "What the records earn"},
	"preview.waits":   {"上升每周期一步，届时逐步公布。", "A rise is published a step a cycle."},
	"preview.changes": {"模型改了什么（%d 处）", "What changes in the model (%d)"},
	"preview.said":    {"贵企业的意见", "What this enterprise said"},
	"preview.comment": {"意见", "Comment"},
	"preview.hint":    {"截至 %s，最多 %d 字。审批人会看到意见；提交后不能修改。", "Until %s, at most %d characters. The approver reads it; it cannot be changed once sent."},
	"preview.wrong":   {"意见没有提交：请填写 1 至 %d 字的普通文字。", "The comment was not kept: write 1 to %d characters of plain text."},
	"preview.send":    {"提交意见", "Send the comment"},
}
