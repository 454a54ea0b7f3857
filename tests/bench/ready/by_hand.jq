# A node's document, source's or replica's, as assignments of the shell.
(.Users[0] // .Master.User) as $user
| @sh "handle=\(.ReadyWaitCondition) server_id=\(.GuestAgent.ServerId) user=\($user.name) password=\($user.password)",
  @sh "address=\(.Master.Address // "") port=\(.Master.Port // "")"
