package web

// authRoutes are the ways in and out.
func (s *Server) authRoutes() []route {
	return []route{
		{"GET /setup", forEveryone, s.getSetup},
		{"POST /setup", forEveryone, s.postSetup},
		{"GET /auth/login", forEveryone, s.getLogin},
		{"POST /auth/login", forEveryone, s.postLogin},
		{"GET /auth/logout", forEveryone, s.getLogout},
		{"POST /auth/logout", forEveryone, s.postLogout},
		{"GET /auth/register", forEveryone, s.getRegister},
		{"POST /auth/register", forEveryone, s.postRegister},
		{"GET /auth/session", forUser, s.getSession},
		{"GET /auth/kept", forUser, s.getKept},
		{"POST /auth/kept/{id}/send", forUser, s.postKeptSend},
		{"POST /auth/kept/{id}/forget", forUser, s.postKeptForget},
	}
}

// settingsRoutes are the tabs of the settings: what is a user's own, and what is the owner's.
func (s *Server) settingsRoutes() []route {
	return []route{
		{"GET /settings", forUser, s.getSettings},
		{"POST /settings", forUser, s.postSettings},

		{"GET /settings/auth", forOwner, s.getAuthSettings},
		{"POST /settings/auth", forOwner, s.postAuthSettings},
		{"POST /settings/api", forOwner, s.postAPI},

		{"GET /settings/program", forOwner, s.getProgram},
		{"POST /settings/program", forOwner, s.postProgram},
		{"GET /settings/program/log", forOwner, s.getLog},
		{"POST /settings/program/compact", forOwner, s.postCompact},

		{"GET /settings/backups", forOwner, s.getBackups},
		{"POST /settings/backups", forOwner, s.postBackups},
		{"POST /settings/backups/now", forOwner, s.postBackupNow},
		{"POST /settings/backups/key", forOwner, s.postBackupKey},
		{"POST /settings/backups/download", forOwner, s.postBackupDownload},

		{"GET /settings/import", forOwner, s.getImports},
		{"POST /settings/import", forOwner, s.postLookImport},
		{"POST /settings/import/take", forOwner, s.postTakeImport},

		{"GET /settings/specter-backup.zip", forUser, s.getOldBackup},

		{"GET /settings/secrets", forOwner, s.getSecrets},
		{"POST /settings/secrets", forOwner, s.postSecrets},

		{"GET /settings/account", forUser, s.getAccount},
		{"POST /settings/account/password", forUser, s.postPassword},
		{"POST /settings/account/name", forUser, s.postName},
		{"POST /settings/account/logout-after", forUser, s.postLogoutAfter},
		{"POST /settings/account/sessions/end-others", forUser, s.postEndOthers},
		{"POST /settings/account/sessions/{id}/end", forUser, s.postEndSession},

		{"GET /settings/tokens", forUser, s.getTokens},
		{"POST /settings/tokens", forUser, s.postToken},
		{"POST /settings/tokens/{id}/delete", forUser, s.postDeleteToken},

		{"GET /settings/users", forOwner, s.getUsers},
		{"POST /settings/users/invite", forOwner, s.postInvite},
		{"POST /settings/users/invitations/{id}/revoke", forOwner, s.postRevoke},
		{"POST /settings/users/{id}/password", forOwner, s.postUserPassword},
		{"GET /settings/users/{id}/delete", forOwner, s.getDeleteUser},
		{"POST /settings/users/{id}/delete", forOwner, s.postDeleteUser},

		{"GET /settings/record", forUser, s.getRecord},
	}
}
