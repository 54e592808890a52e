arrived("index",{"block":32,"count":2,"digits":"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_","key":3,"levels":[[4096,256],[512,64],[64,16],[8,4]]})
