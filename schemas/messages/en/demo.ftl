# Pages of the sample town, and the story of what happens there
demo-idp-title = Town ID
demo-idp-lead = This is the ID of the sample town. Enter your login name and PIN.
demo-idp-wrong = The login name or the PIN is wrong.
demo-idp-login = Login name
demo-idp-pin = PIN
demo-idp-submit = Log in
demo-idp-refused = This cannot go on. Please start again.
