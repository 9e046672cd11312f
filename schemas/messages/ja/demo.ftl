# 見本の町のページと、そこで起きることの説明
demo-idp-title = まちのID
demo-idp-lead = 見本の町のIDです。ログイン名と暗証番号を入れてください。
demo-idp-wrong = ログイン名か暗証番号がちがいます。
demo-idp-login = ログイン名
demo-idp-pin = 暗証番号
demo-idp-submit = ログイン
demo-idp-refused = この手続きは続けられません。はじめからやりなおしてください。
