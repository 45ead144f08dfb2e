package samplecity

import "fmt"

// The words of names: each invented name joins one of the first with one of the second. They are chosen for their sound. Should a real
// firm bear such a name, that is chance, and its code is another one.
var (
	nameFirst = []string{"澄", "昀", "穗", "霁", "沐", "筠", "禾", "翊", "岚", "杼", "笙", "榆", "芷", "砚", "璟", "恬", "舸", "棠", "汀", "苇",
		"珩", "暮", "隽", "晏", "泓", "旌", "峤", "漪", "朔", "樾", "蓼", "岫", "弦", "栩", "霖", "澈", "祺", "韶", "鹭", "梓", "缙", "骁"}
	nameSecond = []string{"原", "屿", "涧", "垣", "阡", "弋", "楫", "渚", "畔", "壑", "圃", "栈", "坞", "笺", "弧", "舫", "庐", "埭", "陌", "岑",
		"磐", "澜", "坪", "畴", "峪", "棹", "翎", "瓴", "榫", "铎", "桁", "缕", "锷", "笠", "梭", "筏", "泮", "浦", "墟", "廪", "柘"}
	roads = []string{"样例大道", "样例一路", "样例二路", "样例三路", "演示中路", "演示东路", "演示西路", "虚拟北路", "虚拟南路"}
)

// Invented bodies: who samples, who tests, who decides.
var (
	samplers  = []string{"样例抽样队一组", "样例抽样队二组", "样例抽样队三组", "样例抽样队四组"}
	testers   = []string{"样例检验所甲", "样例检验所乙", "样例检验所丙", "样例检验所丁", "样例检验所戊"}
	campaigns = []string{"开门查隐患", "儿童用品守护", "燃气具专项", "电动自行车专项", "年度双随机"}
)

// Findings that an inspection may make, by severity.
var visitFindings = [3][]string{
	{"进货台账登记不全", "质量安全员记录缺一日", "标识内容不规范", "出厂检验记录保存不全", "计量器具临近检定期", "追溯编码缺批次"},
	{"未按标准进行出厂检验", "关键原料未验收", "不合格品未隔离", "超出许可单元范围备料"},
	{"使用已淘汰设备生产", "伪造出厂检验报告"},
}

// Items of a spot check that may fail, by severity.
var testedItems = [3][]string{
	{"标志和说明", "外观", "尺寸偏差", "纤维含量标识", "标称容量"},
	{"拉伸强度", "耐久性", "色牢度", "绝缘厚度", "灼热丝", "甲醛释放量(推荐值)"},
	{"甲醛释放量", "邻苯二甲酸酯", "接地电阻", "防触电保护", "小零件", "导体电阻"},
}

var complaintCauses = []string{"质量与描述不符", "使用中损坏", "标签不实", "气味异常", "尺寸不符", "三包争议"}

// grievances of those that no check confirms.
var claimCauses = []string{"同一人重复索赔", "证据不足", "非生活消费", "标签文字争议"}

var legalBases = []string{"产品质量法第四十九条", "产品质量法第五十条", "产品质量法第五十四条"}

// inspectorHashes is how many inspectors the city has.
const inspectorHashes = 240

// inspectors are the keyed hashes that stand for them.
var inspectors = func() []string {
	list := make([]string, inspectorHashes)
	for i := range list {
		list[i] = fmt.Sprintf("h%012x", uint64(i+1)*0x9E3779B97F4A7C15>>16)
	}
	return list
}()
