"""Pieces of texts with private data, for texts that are made at random."""

PIECES = [
    *"0123456789 ,.:：;-+@#/()（）\n人号路室QqVvwx是为我的叫收市区１３８，。！X", "13812345678", "010-62345678", "+44 20 7946 0958",
    "(212) 555-0123", "110105", "19491231", "002X", "4111 1111 1111 1111", "GB29 NWBK 6016 1331 9268 19", "219-09-8765",
    "91350100M000100Y43", "zhang_san88", "sunnyday", "123456", "52.14.33.9", "3c:22:fb:4a:1d:9e", "a@b.com",
    "https://a.cn/?token=", "abcd1234efgh", "sk-abcdefghijklmnopqrst1", "Password: ", "SECRET is ", "密码", "口令：", "Bearer ",
    "微信", "加个微", "WeChat", "vx", "我的V", "QQ", "扣扣", "企鹅号", "on QQ", "passport ", "护照", "粤B·D12345", "身份证", "卡号",
    "phone ", "tel: ", "call me at ", "电话", "联系人", "收件人：", "张三丰", "欧阳明", "王伟", "先生", "经理您好", "我是", "转交给",
    "姓 名", "写", "My name is ", "Anna Smith", "Bob", "O'Rourke", "Dear ", "Hi ", "This is ", "I'm ", " speaking", "Name: ",
    "Customer：", "Ask for ", "Signed, ", "Name on the card is ", "Regards,\n", "I am called ", "Call me ", "地址：",
    "浙江省杭州市西湖区", "文三路", "12号", "5层", "花园", "送到", "221B Baker Street", "12 Main St", ", London", " NW1 6XE",
    ", CA 90210", "PO Box 12", "lives at ", "Apt 3", "公司", "Inc", "Mr. ", "生于", "1990年1月2日", "Straße", "İ", "ſecret", "K",
    "订单号：", "order ", "text", "tel", "传真：", "FAX ",
]  # fmt: skip
"""Cue words, values and what stands between: joined at random they make finds and near misses."""
